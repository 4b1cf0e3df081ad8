"""What layers compute while they train or are searched: quantisers, small and binary convolutions, first weights."""

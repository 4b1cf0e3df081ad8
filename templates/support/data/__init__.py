"""Images and their labels: data sets on disk, pictures decoded, batches drawn."""

"""What every room stands on: errors, options, configuration files, hashing, storage, progress."""

"""The data protocol on the rows of one shard: order, filters, split, boundary, targets."""

"""All feedback as training examples, held-out rows included: what a blessed model is refitted on."""

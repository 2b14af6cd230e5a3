"""From texts to token vectors: the tokenizer, the encoder and the queue before it."""

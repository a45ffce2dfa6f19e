"""Documents → chunks → index. Knows nothing of questions, prompts or models that write."""

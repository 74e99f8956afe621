"""Request forms: those of OpenAI, Jina and vLLM, of Cohere, of Voyage, and our own for search."""

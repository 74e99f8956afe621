"""One item to one vector, the same way everywhere: a graph of towers, pools and alignment."""

"""One item to one vector, the same way everywhere: towers, pools and alignment blocks in a graph."""

"""Messages made to cost time: a bot with a place for every shape, and what both hosts take to answer each of them."""

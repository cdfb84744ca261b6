"""What tests share: real servers, fresh databases, a browser, builders, named people."""

"""What is done after the answer: jobs, their queue, and the process that does them."""

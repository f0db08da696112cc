"""What people sign in with: passwords, codes, the company's own sign-in."""

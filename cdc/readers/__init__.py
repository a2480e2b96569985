"""The only code that talks to MySQL and MariaDB: bytes in, transactions out."""

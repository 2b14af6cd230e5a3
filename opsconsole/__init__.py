"""The operations console: environments, deployments, backups and scaling of the installation."""

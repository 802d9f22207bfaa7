"""Push: requests of Entra's provisioning service, each brought to Zoho One before it is answered."""

"""Source state: what Entra says, by Microsoft Graph, written down with the desired state that follows from it."""

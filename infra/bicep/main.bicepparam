// The required parameters. `azd up` sets these values itself; for `az` alone, set them in the environment, or write them
// here.
using 'main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'prod')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param signInClientId = readEnvironmentVariable('SIGN_IN_CLIENT_ID', '')
param alertEmails = empty(readEnvironmentVariable('ALERT_EMAILS', ''))
  ? []
  : split(readEnvironmentVariable('ALERT_EMAILS', ''), ',')
param privateNetwork = bool(readEnvironmentVariable('PRIVATE_NETWORK', 'false'))

// Storage and Key Vault in a virtual network, one outbound address, tables in two regions, one instance that always runs, a
// vault that keeps deleted items for 90 days, and one-time passwords through your own mail server.
using 'main.bicep'

param environmentName = 'prod'
param location = 'westeurope'
param signInClientId = readEnvironmentVariable('SIGN_IN_CLIENT_ID', '')
param alertEmails = [
  'identity-team@contoso.example'
]
param privateNetwork = true
param outboundAddress = true
param addressPrefix = '10.61.0.0/24'
param appSubnetPrefix = '10.61.0.0/26'
param endpointSubnetPrefix = '10.61.0.64/26'
param softDeleteDays = 90
param storageSku = 'Standard_GZRS'
param alwaysReadyInstances = 1
param logRetentionDays = 180
param mailWay = 'smtp'
param mailFrom = 'accounts@contoso.example'
param smtpHost = 'smtp.contoso.example'
param smtpUser = 'accounts@contoso.example'

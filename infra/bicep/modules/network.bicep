// A virtual network for those who want storage and Key Vault reachable from the app alone.

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Address space.')
@minLength(9)
@maxLength(18)
param addressPrefix string

@description('Subnet of the app\'s instances.')
@minLength(9)
@maxLength(18)
param appSubnetPrefix string

@description('Subnet of the private endpoints.')
@minLength(9)
@maxLength(18)
param endpointSubnetPrefix string

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
]

module securityGroup 'br/public:avm/res/network/network-security-group:0.5.2' = {
  name: 'network-security-group'
  params: {
    name: 'nsg-${name}'
    location: location
    tags: tags
    enableTelemetry: false
  }
}

module network 'br/public:avm/res/network/virtual-network:0.7.1' = {
  name: 'virtual-network'
  params: {
    name: 'vnet-${name}'
    location: location
    tags: tags
    addressPrefixes: [
      addressPrefix
    ]
    subnets: [
      {
        name: 'app'
        addressPrefix: appSubnetPrefix
        delegation: 'Microsoft.App/environments' // what Flex Consumption asks for
        networkSecurityGroupResourceId: securityGroup.outputs.resourceId
      }
      {
        name: 'private-endpoints'
        addressPrefix: endpointSubnetPrefix
        networkSecurityGroupResourceId: securityGroup.outputs.resourceId
      }
    ]
    enableTelemetry: false
  }
}

module dnsZones 'br/public:avm/res/network/private-dns-zone:0.7.1' = [for zone in zones: {
  name: 'dns-${split(zone, '.')[1]}'
  params: {
    name: zone
    tags: tags
    virtualNetworkLinks: [
      {
        virtualNetworkResourceId: network.outputs.resourceId
        registrationEnabled: false
      }
    ]
    enableTelemetry: false
  }
}]

@description('Where the app\'s instances are.')
output appSubnetId string = network.outputs.subnetResourceIds[0]

@description('Where the private endpoints are.')
output endpointSubnetId string = network.outputs.subnetResourceIds[1]

@description('The private DNS zones, by the part of a resource that a private endpoint is for.')
output dnsZoneIds object = {
  blob: dnsZones[0].outputs.resourceId
  queue: dnsZones[1].outputs.resourceId
  table: dnsZones[2].outputs.resourceId
  vault: dnsZones[3].outputs.resourceId
}

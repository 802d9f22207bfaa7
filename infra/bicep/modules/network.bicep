// A virtual network that makes storage and Key Vault reachable from the app alone.

import { Tags } from '../types.bicep'

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Name of the network.')
param networkName string

@description('Region.')
param location string

@description('Tags.')
param tags Tags

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

@description('Whether outbound traffic has one fixed address.')
param outboundAddress bool

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
]

module securityGroup 'br/public:avm/res/network/network-security-group:0.5.3' = {
  params: {
    name: 'nsg-${name}'
    location: location
    tags: tags
    enableTelemetry: false
  }
}

module address 'br/public:avm/res/network/public-ip-address:0.13.0' = if (outboundAddress) {
  params: {
    name: 'pip-${name}'
    location: location
    tags: tags
    availabilityZones: []
    enableTelemetry: false
  }
}

module gateway 'br/public:avm/res/network/nat-gateway:2.1.0' = if (outboundAddress) {
  params: {
    name: 'ng-${name}'
    location: location
    tags: tags
    availabilityZone: -1
    publicIpResourceIds: [
      resourceId('Microsoft.Network/publicIPAddresses', 'pip-${name}')
    ]
    enableTelemetry: false
  }
  dependsOn: [
    address
  ]
}

module network 'br/public:avm/res/network/virtual-network:0.10.1' = {
  params: {
    name: networkName
    location: location
    tags: tags
    addressPrefixes: [
      addressPrefix
    ]
    subnets: [
      {
        name: 'app'
        addressPrefix: appSubnetPrefix
        delegation: 'Microsoft.App/environments' // required by Flex Consumption
        networkSecurityGroupResourceId: securityGroup.outputs.resourceId
        natGatewayResourceId: outboundAddress ? resourceId('Microsoft.Network/natGateways', 'ng-${name}') : null
        defaultOutboundAccess: !outboundAddress // the app calls Graph and Zoho One, by one of the two
      }
      {
        name: 'private-endpoints'
        addressPrefix: endpointSubnetPrefix
        networkSecurityGroupResourceId: securityGroup.outputs.resourceId
        defaultOutboundAccess: false
      }
    ]
    enableTelemetry: false
  }
  dependsOn: [
    gateway
  ]
}

module dnsZones 'br/public:avm/res/network/private-dns-zone:0.8.1' = [
  for zone in zones: {
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
  }
]

// Private endpoints of one resource, each with its name in the private DNS zone.

@description('What the resources are named after.')
@minLength(3)
@maxLength(40)
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('The resource.')
param resourceId string

@description('Its parts that get an endpoint, such as blob or vault.')
@minLength(1)
@maxLength(4)
param parts array

@description('Subnet of the endpoints.')
param subnetId string

@description('Private DNS zones by part.')
param dnsZoneIds object

module endpoints 'br/public:avm/res/network/private-endpoint:0.11.1' = [for part in parts: {
  name: 'pep-${part}'
  params: {
    name: 'pep-${name}-${part}'
    location: location
    tags: tags
    subnetResourceId: subnetId
    privateLinkServiceConnections: [
      {
        name: part
        properties: {
          privateLinkServiceId: resourceId
          groupIds: [
            part
          ]
        }
      }
    ]
    privateDnsZoneGroup: {
      privateDnsZoneGroupConfigs: [
        {
          privateDnsZoneResourceId: dnsZoneIds[part]
        }
      ]
    }
    enableTelemetry: false
  }
}]

// Types that several files share. Nothing else may stand here: the scanner's parser does not read types.

@export()
@description('Tags of a resource: name to value.')
type Tags = {
  *: string
}

@export()
@description('A setting of the function app: name to value.')
type Settings = {
  *: string
}

// Preloaded into Azurite's Node by local/bench/azurite_modes.py. SIGUSR2 switches how Azurite finds one row.
//
// Azurite asks LokiJS for {PartitionKey, RowKey}. LokiJS narrows by the index of the first key only, which leaves every
// row of the store's partition, and looks at them one by one. With the keys the other way round it narrows by RowKey and
// has one row left, the same one: a point read then costs the same however large the partition is, as it does in Azure
// Table Storage. Nothing else of Azurite changes.

const { Collection } = require("lokijs");

const findOne = Collection.prototype.findOne;
let byKey = true; // for the seeding, which would else take minutes; the measuring starts by switching it off

Collection.prototype.findOne = function (query) {
  const { PartitionKey, RowKey, ...rest } = query ?? {};
  const isPointRead = PartitionKey !== undefined && RowKey !== undefined;
  return findOne.call(this, byKey && isPointRead ? { RowKey, PartitionKey, ...rest } : query);
};

process.on("SIGUSR2", () => {
  byKey = !byKey;
});

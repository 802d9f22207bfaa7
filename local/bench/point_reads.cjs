// Preloaded into Azurite's Node by local/bench/azurite_modes.py. SIGUSR2 switches how Azurite finds rows.
//
// Azurite asks LokiJS for {PartitionKey, RowKey}. LokiJS narrows by the index of the first key only, which leaves every
// row of the store's partition, and looks at them one by one. With the keys the other way round it narrows by RowKey and
// has one row left, the same one: a point read then costs the same however large the partition is, as it does in Azure
// Table Storage. A range of keys, in the one form that the bridge asks for, it looks for in all rows of the table, and
// again for each page; here it starts in the index of RowKey and ends when the page is full. Nothing else changes.

const { Collection } = require("lokijs");
const Store = require("azurite/dist/src/table/persistence/LokiTableMetadataStore").default;

let byKey = true; // for the seeding, which would else take minutes; measuring otherwise starts by switching it off

const findOne = Collection.prototype.findOne;

Collection.prototype.findOne = function (query) {
  const { PartitionKey, RowKey, ...rest } = query ?? {};
  const isPointRead = PartitionKey !== undefined && RowKey !== undefined;
  return findOne.call(this, byKey && isPointRead ? { RowKey, PartitionKey, ...rest } : query);
};

const queryTableEntities = Store.prototype.queryTableEntities;
const RANGE = /^PartitionKey eq '([^']+)' and RowKey ge '([^']+)' and RowKey lt '([^']+)'$/;

Store.prototype.queryTableEntities = async function (context, account, table, options, nextPartition, nextRow) {
  const range = byKey && RANGE.exec(options.filter ?? "");
  if (!range) {
    return queryTableEntities.call(this, context, account, table, options, nextPartition, nextRow);
  }
  const [, partition, start, end] = range;
  const most = this.getMaxResultsOption(options);
  const rows = inRange(this.getEntityCollection(account, table, context), partition, {
    start: this.decodeContinuationHeader(nextRow) ?? start,
    end,
    most: most + 1,
  });
  const next = this.adjustQueryResultforTop(rows, most);
  return [rows, next.nextPartitionKeyResponse, next.nextRowKeyResponse];
};

function inRange(collection, partition, { start, end, most }) {
  collection.ensureIndex("RowKey");
  const order = collection.binaryIndices.RowKey.values;
  const found = [];
  for (let at = firstFrom(collection.data, order, start); at < order.length && found.length < most; at++) {
    const row = collection.data[order[at]];
    if (row.RowKey >= end) break;
    if (row.PartitionKey === partition) found.push(row);
  }
  return found;
}

function firstFrom(rows, order, key) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[order[middle]].RowKey < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

process.on("SIGUSR2", () => {
  byKey = !byKey;
});

// Writes each conversion into this spreadsheet once, and tells so.
const SECRET = '';             // the same text as the destination's secret
const SHEET = 'Conversions';   // the tab; it is made when it is missing
// The columns of a new tab. Afterwards its first row counts: move, delete and
// add columns there by their names, but keep "id".
const COLUMNS = ['id', 'event_time', 'event_name', 'kind', 'test', 'value', 'value_currency', 'payout',
  'sale_amount', 'currency', 'status', 'goal', 'seq', 'transaction_id', 'order_id', 'conversion_id',
  'converted_at', 'click_id', 'clicked_at', 'platform', 'campaign_id', 'source_id', 'landing_id',
  'offer_id', 'network_offer_id', 'network_id'];

function doPost(e) {
  let request;
  try {
    request = JSON.parse(e.postData.contents);
  } catch (err) {
    return answer(refusal('bad_request', 'the body is not JSON'));
  }
  if (!SECRET) return answer(refusal('no_secret', 'SECRET is empty in the script'));
  if (!request || request.secret !== SECRET) return answer(refusal('bad_secret', 'the secret is not the script\'s'));
  if (!isRows(request.rows)) return answer(refusal('bad_request', 'rows must be a list of objects with an id'));
  // One at a time: between looking for an ID and writing it nobody else may write.
  const lock = LockService.getScriptLock();
  if (!lock.tryLock(15000)) return answer(refusal('busy', 'others were writing for 15 seconds'));
  try {
    return answer(write(request.rows));
  } catch (err) {
    return answer(refusal('failed', String(err)));
  } finally {
    lock.releaseLock();
  }
}

function isRows(rows) {
  return Array.isArray(rows) && rows.length > 0 &&
    rows.every(function (row) { return row && typeof row.id === 'string' && row.id !== ''; });
}

function write(rows) {
  const book = SpreadsheetApp.getActive();
  const sheet = book.getSheetByName(SHEET) || book.insertSheet(SHEET);
  if (sheet.getLastRow() === 0) sheet.appendRow(COLUMNS);
  const columns = sheet.getRange(1, 1, 1, sheet.getLastColumn()).getValues()[0].map(String);
  const id = columns.indexOf('id');
  if (id < 0) return refusal('no_id_column', 'the first row of ' + SHEET + ' has no column "id"');
  const last = sheet.getLastRow();
  const known = new Set();
  if (last > 1) sheet.getRange(2, id + 1, last - 1, 1).getValues().forEach(function (cells) { known.add(String(cells[0])); });
  const fresh = rows.filter(function (row) { return !known.has(row.id) && known.add(row.id); });
  if (fresh.length > 0) {
    const missing = last + fresh.length - sheet.getMaxRows();
    if (missing > 0) sheet.insertRowsAfter(sheet.getMaxRows(), missing);
    sheet.getRange(last + 1, 1, fresh.length, columns.length).setValues(fresh.map(function (row) {
      return columns.map(function (name) { return cell(name, row[name]); });
    }));
    SpreadsheetApp.flush(); // before the lock is released
  }
  return {ok: true, received: rows.length, written: fresh.length};
}

// A text begins with an apostrophe, which the sheet does not show: so it is never
// taken for a formula, a number or a date.
function cell(name, value) {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value !== 'string' || value === '') return '';
  if (/_(at|time)$/.test(name)) return new Date(value);
  return "'" + value;
}

function refusal(error, message) {
  return {ok: false, error: error, message: message};
}

function answer(said) {
  return ContentService.createTextOutput(JSON.stringify(said)).setMimeType(ContentService.MimeType.JSON);
}

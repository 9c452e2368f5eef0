// Finding documents. The statement is put together from what the filter has, and only from texts of
// this file; every value is a parameter.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

#include "server/base/digest.hpp"
#include "server/base/text.hpp"
#include "server/documents/documents.hpp"
#include "server/documents/rows.hpp"
#include "server/documents/text_range.hpp"
#include "server/documents/time.hpp"
#include "server/store/statement.hpp"

namespace tutti::documents {
using store::Statement;

namespace {
using Parameter = std::variant<std::string, std::int64_t>;

/// A statement on its way.
struct Query {
  std::string from = " FROM documents AS d";
  bool led = false;  ///< `from` begins with the few documents that it can be
  /// `from` gives them in the order of their numbers, which is that of their creation.
  bool by_number = false;
  std::vector<std::string> conditions;
  std::vector<Parameter> parameters;

  void where(std::string condition, Parameter value) {
    conditions.push_back(std::move(condition));
    parameters.push_back(std::move(value));
  }
  /// The documents of `table`, which is joined first and has them as `document_seq`. Its parameters
  /// are the next ones.
  void lead(const std::string& table) {
    // CROSS JOIN: this table first.
    from = " FROM " + table + " AS l CROSS JOIN documents AS d ON d.document_seq = l.document_seq";
    led = true;
  }
};

std::string_view columnOf(Order order) {
  switch (order) {
    case Order::Created:
      return "d.created_at";
    case Order::Updated:
      return "d.updated_at";
    case Order::Name:
      return "d.filename";
    case Order::Size:
      return "d.size_bytes";
  }
  return "d.created_at";
}

std::string escapedLike(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') pattern.push_back('\\');
    pattern.push_back(c);
  }
  return pattern + "%";
}

std::string list(const std::vector<std::string>& names) {
  return json::dump(Json(names));
}

struct Condition {
  std::string text;
  Parameter value;
};

/// Of the column that holds a partition's name. Nothing when all is in sight.
std::optional<Condition> inSight(const Sight& sight, const std::string& column = "d.partition") {
  if (sight.everything) return std::nullopt;
  if (sight.visible)
    return Condition{
        column +
            " IN (SELECT name FROM document_partitions WHERE kind IN ('global', 'named')"
            " UNION SELECT value FROM json_each(?))",
        list(sight.names)};
  if (sight.names.size() == 1) return Condition{column + " = ?", sight.names.front()};
  return Condition{column + " IN (SELECT value FROM json_each(?))", list(sight.names)};
}

void addSight(Query& query, const Sight& sight) {
  if (auto condition = inSight(sight))
    query.where(std::move(condition->text), std::move(condition->value));
}

/// Fewer than this may all be looked at for one page.
constexpr std::int64_t kFewMax = 2000;

/// How many rows `from_where` selects; kFewMax for more.
std::int64_t countedFew(store::Connection& db, const std::string& from_where,
                        const Parameter& parameter) {
  Statement count(db, "SELECT count(*) FROM (SELECT 1 FROM " + from_where + " LIMIT ?)");
  std::visit([&](const auto& value) { count.set(1, value); }, parameter);
  count.set(2, kFewMax);
  return count.step() ? count.integer(0) : 0;
}

bool fewInSight(store::Connection& db, const Sight& sight) {
  const auto condition = inSight(sight);
  if (!condition) return false;
  return countedFew(db, "documents AS d WHERE " + condition->text, condition->value) < kFewMax;
}

struct Label {
  std::int64_t document_count = 0;  ///< kFewMax for more
  std::string text;
};

/// Whether a page is read off the label's documents as they lie, without a look at all the others.
/// Of a label that many have, a few in sight or a span of time are the shorter way.
bool readsOff(store::Connection& db, const Sight& sight, const DocumentFilter& filter,
              const Label& label) {
  if (filter.order != Order::Created) return false;
  const bool timed = !filter.created_from.empty() || !filter.created_to.empty();
  if (label.document_count == kFewMax && (timed || fewInSight(db, sight))) return false;
  Statement astray(db,
                   "SELECT 1 FROM document_labels WHERE label = ? AND document_seq <"
                   " (SELECT rising_from FROM document_creation_state) LIMIT 1",
                   label.text);
  return !astray.step();
}

std::vector<std::string> labelsOf(const DocumentFilter& filter) {
  std::vector<std::string> labels;
  for (const std::string& tag : filter.tags) labels.push_back(tagLabel(tag));
  for (const auto& [key, value] : filter.metadata) labels.push_back(metadataLabel(key, value));
  return labels;
}

/// The rarest label leads to its documents, if they can be read off or are few enough to sort. Else
/// it is looked up, as the others are, for each document in the order wanted.
void addLabels(store::Connection& db, Query& query, const Sight& sight,
               const DocumentFilter& filter) {
  std::vector<Label> labels;
  for (std::string& text : labelsOf(filter)) {
    const std::int64_t count = countedFew(db, "document_labels WHERE label = ?", text);
    labels.push_back({count, std::move(text)});
  }
  if (labels.empty()) return;
  std::sort(labels.begin(), labels.end(), [](const Label& one, const Label& other) {
    return one.document_count < other.document_count;
  });
  std::size_t first = 0;
  query.by_number = !query.led && readsOff(db, sight, filter, labels.front());
  if (!query.led && (query.by_number || labels.front().document_count < kFewMax)) {
    query.lead("document_labels");
    query.where("l.label = ?", labels.front().text);
    first = 1;
  }
  const std::string document = query.led ? "l.document_seq" : "d.document_seq";
  for (std::size_t i = first; i < labels.size(); ++i)
    query.where(
        "EXISTS (SELECT 1 FROM document_labels AS x WHERE x.label = ?"
        " AND x.document_seq = " +
            document + ")",
        labels[i].text);
}

Status addTime(Query& query, const char* condition, const std::string& time) {
  if (time.empty()) return ok();
  auto at = timestampFrom(time);
  if (!at.ok()) return std::move(at).error();
  query.where(condition, std::move(*at));
  return ok();
}

Status addTimes(Query& query, const DocumentFilter& filter) {
  if (Status a = addTime(query, "d.created_at >= ?", filter.created_from); !a.ok()) return a;
  if (Status b = addTime(query, "d.created_at < ?", filter.created_to); !b.ok()) return b;
  if (Status c = addTime(query, "d.updated_at >= ?", filter.updated_from); !c.ok()) return c;
  return addTime(query, "d.updated_at < ?", filter.updated_to);
}

/// The documents with such a part in their names, if they are few, by the index of trigrams, which
/// has none for a part of two characters, and of those that are not in that index yet.
std::optional<std::vector<std::int64_t>> rareNames(store::Connection& db, const std::string& part,
                                                   const std::string& pattern) {
  constexpr std::size_t kRareMax = 1000;
  if (countCharacters(part) < 3 || part.find('\0') != std::string::npos) return std::nullopt;
  std::string phrase = "\"";
  for (const char c : part) phrase.append(c == '"' ? 2 : 1, c);
  Statement rows(db, "SELECT rowid FROM document_names WHERE document_names MATCH ? LIMIT ?",
                 phrase + '"', static_cast<std::int64_t>(kRareMax + 1));
  std::vector<std::int64_t> found;
  while (rows.step()) found.push_back(rows.integer(0));
  if (found.size() > kRareMax) return std::nullopt;
  Statement aside(db,
                  "SELECT document_seq FROM documents WHERE filename LIKE ? ESCAPE '\\'"
                  " AND document_seq > (SELECT indexed_seq FROM document_names_state)",
                  pattern);
  while (aside.step()) found.push_back(aside.integer(0));
  return found;
}

/// The same in the index of names of one partition: for what is common elsewhere and rare there.
/// What is common there too is soon found to be, and soon fills the first page.
std::optional<std::vector<std::int64_t>> rareNamesOf(store::Connection& db,
                                                     const std::string& partition,
                                                     const std::string& pattern) {
  constexpr std::size_t kRareMax = 100;
  Statement rows(db,
                 "SELECT document_seq FROM documents INDEXED BY documents_by_name"
                 " WHERE partition = ? AND filename LIKE ? ESCAPE '\\' LIMIT ?",
                 partition, pattern, static_cast<std::int64_t>(kRareMax + 1));
  std::vector<std::int64_t> found;
  while (rows.step()) found.push_back(rows.integer(0));
  if (found.size() > kRareMax) return std::nullopt;
  return found;
}

/// By what the names begin with, in the index of each partition in sight: for the one or two
/// letters that the index of trigrams does not know.
std::optional<std::vector<std::int64_t>> rareBeginnings(store::Connection& db, const Sight& sight,
                                                        const std::string& glob) {
  constexpr std::size_t kRareMax = 1000;
  const std::string beginning = glob.substr(0, glob.find_first_of("*?["));
  if (beginning.empty()) return std::nullopt;
  std::string sql =
      "SELECT d.document_seq FROM document_partitions AS p"
      " CROSS JOIN documents AS d INDEXED BY documents_by_name ON d.partition = p.name"
      " WHERE d.filename >= ? AND d.filename < ?";
  const auto condition = inSight(sight, "p.name");
  if (condition) sql += " AND " + condition->text;
  Statement rows(db, sql + " LIMIT ?");
  int index = 0;
  rows.set(++index, beginning);
  rows.set(++index, beginning + '\xff');  // above every byte of UTF-8
  if (condition) std::visit([&](const auto& value) { rows.set(++index, value); }, condition->value);
  rows.set(++index, static_cast<std::int64_t>(kRareMax + 1));
  std::vector<std::int64_t> found;
  while (rows.step()) found.push_back(rows.integer(0));
  if (found.size() > kRareMax) return std::nullopt;
  return found;
}

/// Call it before what adds other parameters.
void addNamePart(store::Connection& db, Query& query, const Sight& sight,
                 const DocumentFilter& filter) {
  const std::string& part = filter.name_contains;
  const std::string pattern = escapedLike(part);
  std::optional<std::vector<std::int64_t>> rare;
  if (!part.empty()) rare = rareNames(db, part, pattern);
  if (!rare) rare = rareBeginnings(db, sight, filter.name_glob);
  if (!rare && !part.empty() && sight.names.size() == 1 && !sight.visible)
    rare = rareNamesOf(db, sight.names.front(), pattern);
  if (rare) {
    query.lead("(SELECT value AS document_seq FROM json_each(?))");
    query.parameters.emplace_back(json::dump(Json(*rare)));
  }
  // The index of trigrams takes more letters for the same than LIKE does.
  if (!part.empty()) query.where("d.filename LIKE ? ESCAPE '\\'", pattern);
}

void addNames(Query& query, const DocumentFilter& filter) {
  if (!filter.name_glob.empty()) query.where("d.filename GLOB ?", filter.name_glob);
  if (!filter.author_session.empty())
    query.where("d.author_session = ? AND d.author_session <> ''", filter.author_session);
  if (filter.content_type.ends_with("/*"))
    query.where(
        "d.content_type LIKE ? ESCAPE '\\'",
        escapedLike(filter.content_type.substr(0, filter.content_type.size() - 1)).substr(1));
  else if (!filter.content_type.empty())
    query.where("d.content_type = ?", filter.content_type);
}

// A cursor is the order, the direction, and the last document's place in it.

std::string cursorOf(const DocumentFilter& filter, const DocumentRow& last) {
  Json place = Json::array();
  place.push_back(static_cast<int>(filter.order));
  place.push_back(static_cast<int>(filter.direction));
  switch (filter.order) {
    case Order::Created:
      place.push_back(last.document.created_at);
      break;
    case Order::Updated:
      place.push_back(last.document.updated_at);
      break;
    case Order::Name:
      place.push_back(last.document.filename);
      break;
    case Order::Size:
      place.push_back(last.document.size_bytes);
      break;
  }
  place.push_back(last.document_seq);
  return base64Url(json::dump(place));
}

Error invalidCursor() {
  return Error(Code::InvalidArgument, "the cursor is not one that a query of this order gave",
               "begin without a cursor")
      .named("invalid_cursor");
}

Status addCursor(Query& query, const DocumentFilter& filter) {
  if (filter.after.empty()) return ok();
  const auto text = fromBase64Url(filter.after);
  if (!text) return invalidCursor();
  const auto place = json::parse(*text);
  if (!place.ok() || !place->is_array() || place->size() != 4) return invalidCursor();
  const Json& key = (*place)[2];
  const bool fits = (*place)[0] == static_cast<int>(filter.order) &&
                    (*place)[1] == static_cast<int>(filter.direction) &&
                    (filter.order == Order::Size ? key.is_number_integer() : key.is_string()) &&
                    (*place)[3].is_number_integer();
  if (!fits) return invalidCursor();
  const char* sign = filter.direction == Direction::Ascending ? " > " : " < ";
  if (query.by_number) {
    query.where(std::string("l.document_seq") + sign + "?", (*place)[3].get<std::int64_t>());
    return ok();
  }
  std::string condition = "(";
  condition.append(columnOf(filter.order))
      .append(", d.document_seq)")
      .append(sign)
      .append("(?, ?)");
  if (filter.order == Order::Size)
    query.where(std::move(condition), key.get<std::int64_t>());
  else
    query.where(std::move(condition), key.get<std::string>());
  query.parameters.emplace_back((*place)[3].get<std::int64_t>());
  return ok();
}

/// Sorts numbers of documents, and fetches only those of the page.
std::string textOf(const Query& query, const DocumentFilter& filter) {
  const char* direction = filter.direction == Direction::Ascending ? " ASC" : " DESC";
  std::string order = " ORDER BY ";
  order.append(columnOf(filter.order)).append(direction);
  order.append(", d.document_seq").append(direction);
  const std::string numbers = std::string(" ORDER BY l.document_seq") + direction;
  std::string sql = "SELECT " + std::string(kDocumentColumns);
  sql.append(" FROM (SELECT d.document_seq AS document_seq").append(query.from);
  const char* glue = " WHERE ";
  for (const std::string& condition : query.conditions) {
    sql.append(glue).append(condition);
    glue = " AND ";
  }
  sql.append(query.by_number ? numbers : order).append(" LIMIT ? OFFSET ?) AS page");
  return sql + " CROSS JOIN documents AS d ON d.document_seq = page.document_seq" + order;
}

/// SQLite takes expressions of 1,000 levels, and no document has more than this.
Status checkLabels(const DocumentFilter& filter, const DocumentLimits& limits) {
  if (filter.tags.size() <= limits.tags_max &&
      filter.metadata.size() <= limits.metadata_entries_max)
    return ok();
  return Error(Code::InvalidArgument,
               "the query asks for more tags or metadata than a document can have",
               "ask for at most " + std::to_string(limits.tags_max) + " tags and " +
                   std::to_string(limits.metadata_entries_max) + " entries of metadata")
      .named("tags_max");
}

/// SQLite takes patterns of 50,000 bytes, and here each may need another before it.
Status checkPatterns(const DocumentFilter& filter) {
  constexpr std::size_t kPatternBytesMax = 16U * 1024;
  for (const std::string* pattern :
       {&filter.name_contains, &filter.name_glob, &filter.content_type})
    if (pattern->size() > kPatternBytesMax)
      return Error(Code::InvalidArgument,
                   "a name or type to look for has " + std::to_string(pattern->size()) + " bytes",
                   "use at most " + std::to_string(kPatternBytesMax))
          .named("pattern_bytes_max");
  return ok();
}

/// A name's beginning as a pattern: what means something in patterns stands for itself.
std::string startingWith(std::string_view beginning) {
  std::string glob;
  for (const char c : beginning) {
    if (c == '*' || c == '?' || c == '[')
      glob.append("[").append(1, c).append("]");
    else
      glob += c;
  }
  return glob + "*";
}

/// In order, from the index of ids.
std::vector<std::string> idsStartingWith(store::Connection& db, const Sight& sight,
                                         const std::string& beginning, std::int64_t count_max) {
  std::string sql =
      "SELECT d.id FROM documents AS d WHERE d.id >= ?1 AND d.id < ?1 || char(0x10ffff)";
  const auto condition = inSight(sight);
  // "+": not by the index of partitions.
  if (condition) sql += " AND +" + condition->text;
  Statement rows(db, sql + " ORDER BY d.id LIMIT ?");
  int index = 0;
  rows.set(++index, beginning);
  if (condition) std::visit([&](const auto& value) { rows.set(++index, value); }, condition->value);
  rows.set(++index, count_max);
  std::vector<std::string> ids;
  while (rows.step()) ids.push_back(rows.text(0));
  return ids;
}

}  // namespace

std::optional<Order> parseOrder(std::string_view word) {
  if (word == "created") return Order::Created;
  if (word == "updated") return Order::Updated;
  if (word == "name") return Order::Name;
  if (word == "size") return Order::Size;
  return std::nullopt;
}

Result<DocumentPage> queryDocuments(store::Connection& db, const Viewer& viewer,
                                    const DocumentFilter& filter, const DocumentLimits& limits) {
  if (Status few = checkLabels(filter, limits); !few.ok()) return std::move(few).error();
  if (Status few = checkPatterns(filter); !few.ok()) return std::move(few).error();
  auto sight = sightOf(db, viewer, filter.place);
  if (!sight.ok()) return std::move(sight).error();
  Query query;
  addNamePart(db, query, *sight, filter);
  addLabels(db, query, *sight, filter);
  addSight(query, *sight);
  addNames(query, filter);
  if (Status timed = addTimes(query, filter); !timed.ok()) return std::move(timed).error();
  if (Status begun = addCursor(query, filter); !begun.ok()) return std::move(begun).error();

  const std::int64_t count_max = std::clamp<std::int64_t>(filter.count_max, 0, limits.page_max);
  Statement rows(db, textOf(query, filter));
  int index = 0;
  for (const Parameter& parameter : query.parameters)
    std::visit([&](const auto& value) { rows.set(++index, value); }, parameter);
  rows.set(++index, count_max + 1);
  rows.set(++index, std::max<std::int64_t>(filter.offset, 0));

  DocumentPage page;
  std::optional<DocumentRow> last;
  while (rows.step()) {
    if (static_cast<std::int64_t>(page.documents.size()) == count_max) {
      if (last) page.next = cursorOf(filter, *last);
      break;
    }
    last = rowFrom(rows);
    page.documents.push_back(last->document);
  }
  return page;
}

Result<Completion> completeDocument(store::Connection& db, const Viewer& viewer,
                                    std::string_view typed, std::int64_t count_max,
                                    const DocumentLimits& limits) {
  constexpr std::string_view kIdPrefix = "doc_";
  constexpr std::size_t kIdBytes = 28;  // see isDocumentId()
  const std::int64_t most = std::clamp<std::int64_t>(count_max, 0, limits.page_max);
  Completion found;
  if (typed.size() > std::max(limits.filename_bytes_max, kIdBytes)) return found;
  DocumentFilter filter;
  filter.place.scope = Scope::Visible;
  if (typed.starts_with(kIdPrefix) && typed.size() > kIdPrefix.size()) {
    auto sight = sightOf(db, viewer, filter.place);
    if (!sight.ok()) return std::move(sight).error();
    found.ids = idsStartingWith(db, *sight, std::string(typed), most + 1);
    found.more = static_cast<std::int64_t>(found.ids.size()) > most;
    if (found.more) found.ids.pop_back();
  }
  if (!kIdPrefix.starts_with(typed)) {
    filter.name_glob = startingWith(typed);
    filter.name_contains = typed;  // which has an index
  }
  filter.order = Order::Updated;
  filter.direction = Direction::Descending;
  filter.count_max = most;
  auto named = queryDocuments(db, viewer, filter, limits);
  if (!named.ok()) return std::move(named).error();
  for (Document& document : named->documents)
    if (!document.id.starts_with(typed) || kIdPrefix.starts_with(typed))
      found.ids.push_back(std::move(document.id));
  found.more = found.more || !named->next.empty();
  return found;
}

}  // namespace tutti::documents

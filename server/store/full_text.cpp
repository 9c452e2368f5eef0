#include "server/store/full_text.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "server/store/connection_impl.hpp"

namespace tutti::store {
namespace {
/// BM25's usual parameters, those of FTS5's own bm25().
constexpr double kSaturation = 1.2;
constexpr double kLengthShare = 0.75;
/// Rows of a word that are counted; from how many rows they are spread over follows about how many
/// there are in all.
constexpr std::int64_t kCountedRowsMax = 2'000;
constexpr double kRarityMin = 1e-6;

struct Ranking {
  std::vector<double> rarities;  ///< one a phrase
  std::vector<double> weights;   ///< one a column
  double average_size = 1;
};

struct Counted {
  std::int64_t rows = 0;
  std::int64_t last_rowid = 0;
};

int countRow(const Fts5ExtensionApi* api, Fts5Context* context, void* counter) {
  auto& counted = *static_cast<Counted*>(counter);
  counted.last_rowid = api->xRowid(context);
  return ++counted.rows < kCountedRowsMax ? SQLITE_OK : SQLITE_DONE;
}

double estimatedRows(const Counted& counted, double all) {
  const auto rows = static_cast<double>(counted.rows);
  if (counted.rows < kCountedRowsMax || counted.last_rowid <= 0) return rows;
  return std::clamp(rows * all / static_cast<double>(counted.last_rowid), rows, all);
}

int prepareRanking(const Fts5ExtensionApi* api, Fts5Context* context, int count,
                   sqlite3_value** values, Ranking& ranking) {
  sqlite3_int64 rows = 0;
  sqlite3_int64 tokens = 0;
  int code = api->xRowCount(context, &rows);
  if (code == SQLITE_OK) code = api->xColumnTotalSize(context, -1, &tokens);
  if (rows > 0)
    ranking.average_size = std::max(1.0, static_cast<double>(tokens) / static_cast<double>(rows));
  const int wanted = count > 0 ? sqlite3_value_int(values[0]) : 0;
  const int phrases = std::min(wanted, api->xPhraseCount(context));
  for (int phrase = 0; phrase < phrases && code == SQLITE_OK; ++phrase) {
    Counted counted;
    code = api->xQueryPhrase(context, phrase, &counted, countRow);
    const auto all = std::max(static_cast<double>(rows), static_cast<double>(counted.rows));
    const double n = estimatedRows(counted, all);
    const double rarity = std::log((all - n + 0.5) / (n + 0.5));
    ranking.rarities.push_back(std::max(rarity, kRarityMin));
  }
  for (int i = 1; i < count; ++i) ranking.weights.push_back(sqlite3_value_double(values[i]));
  return code;
}

double weightedMatches(const Fts5ExtensionApi* api, Fts5Context* context, int phrase,
                       const std::vector<double>& weights) {
  Fts5PhraseIter at{};
  int column = 0;
  int offset = 0;
  double sum = 0;
  if (api->xPhraseFirst(context, phrase, &at, &column, &offset) != SQLITE_OK) return 0;
  while (column >= 0) {
    const auto index = static_cast<std::size_t>(column);
    sum += index < weights.size() ? weights[index] : 1.0;
    api->xPhraseNext(context, &at, &column, &offset);
  }
  return sum;
}

void ranked(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_context* result, int count,
            sqlite3_value** values) {
  auto* ranking = static_cast<Ranking*>(api->xGetAuxdata(context, 0));
  if (ranking == nullptr) {
    auto fresh = std::make_unique<Ranking>();
    int code = prepareRanking(api, context, count, values, *fresh);
    if (code != SQLITE_OK) return sqlite3_result_error_code(result, code);
    ranking = fresh.release();
    code = api->xSetAuxdata(context, ranking, [](void* old) { delete static_cast<Ranking*>(old); });
    if (code != SQLITE_OK) return sqlite3_result_error_code(result, code);
  }
  int size = 0;
  if (const int code = api->xColumnSize(context, -1, &size); code != SQLITE_OK)
    return sqlite3_result_error_code(result, code);
  const double length = 1 - kLengthShare + kLengthShare * size / ranking->average_size;
  double score = 0;
  for (std::size_t phrase = 0; phrase < ranking->rarities.size(); ++phrase) {
    const double matches =
        weightedMatches(api, context, static_cast<int>(phrase), ranking->weights);
    score +=
        ranking->rarities[phrase] * matches * (kSaturation + 1) / (matches + kSaturation * length);
  }
  sqlite3_result_double(result, -score);
}

struct Wanted {
  int phrase;
  int first;  ///< token
  int last;
};

struct SpanWriter {
  const std::vector<Wanted>* wanted;
  std::vector<int> begins;  ///< bytes, one a wanted span; -1 until its first token was seen
  std::vector<int> ends;
  std::size_t open_from = 0;  ///< spans before it are complete
  int token = -1;
};

int takeToken(void* self, int flags, const char*, int, int begin, int end) {
  auto& writer = *static_cast<SpanWriter*>(self);
  if ((flags & FTS5_TOKEN_COLOCATED) == 0) ++writer.token;
  const std::vector<Wanted>& wanted = *writer.wanted;
  for (std::size_t i = writer.open_from; i < wanted.size(); ++i) {
    if (wanted[i].first > writer.token) break;
    if (wanted[i].first == writer.token) writer.begins[i] = begin;
    if (wanted[i].last >= writer.token) writer.ends[i] = end;
  }
  while (writer.open_from < wanted.size() && wanted[writer.open_from].last <= writer.token)
    ++writer.open_from;
  return writer.open_from < wanted.size() ? SQLITE_OK : SQLITE_DONE;
}

std::vector<Wanted> wantedSpans(const Fts5ExtensionApi* api, Fts5Context* context, int column,
                                int phrases, std::size_t spans_max) {
  std::vector<Wanted> wanted;
  int count = 0;
  if (api->xInstCount(context, &count) != SQLITE_OK) return wanted;
  for (int i = 0; i < count && wanted.size() < spans_max; ++i) {
    int phrase = 0;
    int at_column = 0;
    int token = 0;
    if (api->xInst(context, i, &phrase, &at_column, &token) != SQLITE_OK) break;
    if (phrase >= phrases || at_column != column) continue;
    wanted.push_back({phrase, token, token + std::max(1, api->xPhraseSize(context, phrase)) - 1});
  }
  return wanted;
}

void matchSpans(const Fts5ExtensionApi* api, Fts5Context* context, sqlite3_context* result,
                int count, sqlite3_value** values) {
  if (count != 3)
    return sqlite3_result_error(result, "match_spans() takes a column, phrases and a limit", -1);
  const int column = sqlite3_value_int(values[0]);
  const auto spans_max = static_cast<std::size_t>(std::max(0, sqlite3_value_int(values[2])));
  const std::vector<Wanted> wanted =
      wantedSpans(api, context, column, sqlite3_value_int(values[1]), spans_max);
  if (wanted.empty()) return sqlite3_result_text(result, "", 0, SQLITE_STATIC);
  const char* text = nullptr;
  int size = 0;
  int code = api->xColumnText(context, column, &text, &size);
  SpanWriter writer{&wanted, std::vector<int>(wanted.size(), -1),
                    std::vector<int>(wanted.size(), -1)};
  if (code == SQLITE_OK) code = api->xTokenize(context, text, size, &writer, takeToken);
  if (code != SQLITE_OK && code != SQLITE_DONE) return sqlite3_result_error_code(result, code);
  std::string spans;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (writer.begins[i] < 0) continue;
    if (!spans.empty()) spans += ';';
    spans += std::to_string(wanted[i].phrase) + " " + std::to_string(writer.begins[i]) + " " +
             std::to_string(writer.ends[i]);
  }
  sqlite3_result_text64(result, spans.data(), spans.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

fts5_api* fullTextApi(sqlite3* db) {
  fts5_api* api = nullptr;
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &statement, nullptr) != SQLITE_OK)
    return nullptr;
  sqlite3_bind_pointer(statement, 1, &api, "fts5_api_ptr", nullptr);
  sqlite3_step(statement);
  sqlite3_finalize(statement);
  return api;
}
}  // namespace

void useFullText(Connection& connection) {
  Connection::Impl& impl = *connection.impl_;
  if (impl.has_full_text) return;
  fts5_api* api = fullTextApi(impl.db);
  if (api == nullptr) throw DatabaseError(SQLITE_ERROR, "this SQLite was built without FTS5");
  for (const auto& [name, function] :
       {std::pair{"ranked", &ranked}, std::pair{"match_spans", &matchSpans}}) {
    const int code = api->xCreateFunction(api, name, nullptr, function, nullptr);
    if (code != SQLITE_OK) impl.fail(code);
  }
  impl.has_full_text = true;
}

}  // namespace tutti::store

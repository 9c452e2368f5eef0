// `tutti doc search`.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/cli/doc_desk.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"
#include "server/search/document_search.hpp"

namespace tutti::cli {
namespace {

/// Scores mean something only beside one another, and are tiny where there are few documents: what
/// people see is how well a document matches, of the best one.
std::string shareText(double score, double best) {
  if (best <= 0) return "   -";
  return fmt::format("{:>3.0f}%", 100 * std::clamp(score / best, 0.0, 1.0));
}

void show(const search::DocumentsFound& found) {
  double best = 0;
  for (const search::SearchResult& result : found.answer.results)
    best = std::max(best, result.score);
  for (const search::SearchResult& result : found.answer.results) {
    printOut(fmt::format("{}  {}  {}\n", result.document_id, shareText(result.score, best),
                         oneLine(result.filename, 80)));
    if (!result.problem.name.empty())
      printOut("    its text is not searched: " + oneLine(result.problem.text, 200) + "\n");
    for (const search::Section& section : result.sections)
      printOut(fmt::format("    {}+{}  {}\n", section.offset, section.limit,
                           oneLine(section.text, 120)));
  }
  if (found.answer.results.empty()) printOut("nothing found\n");
  if (!found.answer.problem.text.empty())
    std::fprintf(stderr, "by words alone: %s\n", found.answer.problem.text.c_str());
  if (found.answer.indexing > 0)
    std::fprintf(stderr, "%lld documents are not indexed yet\n",
                 static_cast<long long>(found.answer.indexing));
}

}  // namespace

int runDocSearch(const Settings& settings, const DocSearchRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  search::DocumentQuery query;
  query.caller = (*desk)->caller();
  query.place = (*desk)->placeToRead();
  for (const std::string& word : request.words)
    query.query += (query.query.empty() ? "" : " ") + word;
  query.mode = search::parseMode(request.mode);
  query.tags = request.tags;
  query.limit = request.limit;
  auto found = (*desk)->await<search::DocumentsFound>(
      [&](auto done) { (*desk)->search().search(std::move(query), std::move(done)); });
  if (!found.ok()) return DocDesk::failed(found.error());
  if (request.format == Format::Json) return printJson(search::toJson(*found, false, {}));
  show(*found);
  return 0;
}

}  // namespace tutti::cli

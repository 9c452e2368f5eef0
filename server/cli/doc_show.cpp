// `tutti doc ls`, `info`, `log` and `diff`.

#include <nlohmann/json.hpp>

#include "server/cli/doc_desk.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {

constexpr std::int64_t kVersionsMax = 1000;

/// Opens the desk, finds the document and shows it.
template <class Show>
int withDocument(const Settings& settings, const DocShowRequest& request, Show show) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto ref = (*desk)->find(request.document);
  if (!ref.ok()) return DocDesk::failed(ref.error());
  return show(**desk, *ref);
}

void line(const char* name, const std::string& value) {
  if (!value.empty()) printOut(fmt::format("{:<12} {}\n", name, oneLine(value, 160)));
}

void showInfo(const documents::DocumentInfo& info) {
  const documents::Document& document = info.document;
  line("id", document.id);
  line("filename", document.filename);
  line("type", document.content_type);
  line("size", sizeText(document.size_bytes));
  line("version", std::to_string(document.version));
  line("sha256", document.checksum);
  line("created", document.created_at);
  line("updated", document.updated_at);
  line("partition", document.partition);
  line("author", document.author_session);
  for (const std::string& tag : document.tags) line("tag", tag);
  for (const auto& [key, value] : document.metadata) line(key.c_str(), value);
  for (const documents::Relation& relation : info.relations)
    line(relation.relation_type.c_str(), relation.related_document_id + "  #" +
                                             std::to_string(relation.id) + "  " +
                                             relation.note.value_or(""));
}

}  // namespace

int runDocList(const Settings& settings, const DocListRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  documents::QueryRequest query;
  query.caller = (*desk)->caller();
  query.filter.place = (*desk)->placeToRead();
  const bool pattern = request.name.find_first_of("*?[") != std::string::npos;
  (pattern ? query.filter.name_glob : query.filter.name_contains) = request.name;
  query.filter.tags = request.tags;
  query.filter.order = documents::parseOrder(request.order).value_or(documents::Order::Updated);
  if (query.filter.order != documents::Order::Name)
    query.filter.direction = documents::Direction::Descending;
  query.filter.count_max = request.limit;
  auto answer = (*desk)->await<documents::QueryAnswer>(
      [&](auto done) { (*desk)->service().query(std::move(query), std::move(done)); });
  if (!answer.ok()) return DocDesk::failed(answer.error());
  Json all = Json::array();
  for (const documents::DocumentInfo& info : answer->documents) {
    if (request.format == Format::Json) all.push_back(documents::toJson(info.document));
    if (request.format == Format::People && !printDocument(info.document, request.format)) return 1;
  }
  if (request.format == Format::Json) return printJson(all);
  if (answer->documents.empty()) printOut("no documents\n");
  if (!answer->next.empty()) printOut("(there are more: raise --limit)\n");
  return 0;
}

int runDocInfo(const Settings& settings, const DocShowRequest& request) {
  return withDocument(settings, request, [&](DocDesk& desk, const documents::DocumentRef& ref) {
    auto info = desk.await<documents::DocumentInfo>([&](auto done) {
      desk.service().info({desk.caller(), ref}, std::move(done));
    });
    if (!info.ok()) return DocDesk::failed(info.error());
    if (request.format == Format::People) {
      showInfo(*info);
      return 0;
    }
    Json said = documents::toJson(info->document);
    said["relations"] = documents::relationsByType(info->relations);
    return printJson(said);
  });
}

int runDocLog(const Settings& settings, const DocShowRequest& request) {
  return withDocument(settings, request, [&](DocDesk& desk, const documents::DocumentRef& ref) {
    auto page = desk.await<documents::VersionPage>([&](auto done) {
      desk.service().versions(desk.caller(), ref, "", kVersionsMax, std::move(done));
    });
    if (!page.ok()) return DocDesk::failed(page.error());
    Json all = Json::array();
    for (const documents::Version& version : page->versions) {
      if (request.format == Format::Json) all.push_back(documents::toJson(version));
      if (request.format == Format::People)
        printOut(fmt::format("v{:<4} {}  {:>8}  {}  {:<16}  {}\n", version.version,
                             version.created_at.substr(0, 19), sizeText(version.size_bytes),
                             version.checksum.substr(0, 12),
                             version.author_session.empty() ? "-" : version.author_session,
                             oneLine(version.note, 80)));
    }
    return request.format == Format::Json ? printJson(all) : 0;
  });
}

int runDocDiff(const Settings& settings, const DocShowRequest& request) {
  return withDocument(settings, request, [&](DocDesk& desk, const documents::DocumentRef& ref) {
    auto answer = desk.await<documents::DiffAnswer>([&](auto done) {
      desk.service().diff({desk.caller(), ref, request.from, request.to}, std::move(done));
    });
    if (!answer.ok()) return DocDesk::failed(answer.error());
    if (request.format == Format::People) return printOut(answer->diff.unified) ? 0 : 1;
    return printJson({{"document_id", answer->document.id},
                      {"from_version", answer->from.version},
                      {"to_version", answer->to.version},
                      {"lines_added", answer->diff.lines_added},
                      {"lines_removed", answer->diff.lines_removed},
                      {"diff", answer->diff.unified}});
  });
}

}  // namespace tutti::cli

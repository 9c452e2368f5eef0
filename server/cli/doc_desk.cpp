#include "server/cli/doc_desk.hpp"

#include <poll.h>

#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace {
constexpr int kLookEveryMs = 100;  // for a signal that another thread has got
}

Result<std::unique_ptr<DocDesk>> DocDesk::open(const Settings& settings,
                                               const DocRequest& request) {
  const auto scope = documents::parseScope(request.scope);
  if (!scope)
    return Error(Code::InvalidArgument, "scope '" + request.scope + "' is unknown",
                 "choose from tree, project, global, visible")
        .named("invalid_scope");
  auto application = Application::open(settings);
  if (!application.ok()) return std::move(application).error();
  std::unique_ptr<DocDesk> desk(new DocDesk());
  desk->app_ = std::move(*application);
  desk->caller_.session_id = fromEnvironment("TUTTI_SESSION_ID");
  desk->place_.scope = *scope;
  desk->place_.partition = request.partition;
  desk->app_->onSignal([desk = desk.get()](int signal) {
    desk->signal_ = signal;
    desk->app_->io().stop();
  });
  return desk;
}

DocDesk::~DocDesk() = default;

void DocDesk::runUntil(const std::function<bool()>& there) {
  while (!there() && signal_ == 0) app_->io().run_one();
}

Error DocDesk::interruption() const {
  if (signal_ == SIGTERM) return Error(Code::Cancelled, "terminated").named("terminated");
  return Error(Code::Cancelled, "interrupted").named("interrupted");
}

Status DocDesk::goOn() {
  if (signal_ == 0) app_->io().poll();
  return signal_ == 0 ? ok() : Status(interruption());
}

Status DocDesk::awaitInput(int fd) {
  for (pollfd input{fd, POLLIN, 0};;) {
    const int ready = ::poll(&input, 1, kLookEveryMs);
    if (Status on = goOn(); !on.ok()) return on;
    if (ready > 0 || (ready < 0 && errno != EINTR)) return ok();
  }
}

documents::Place DocDesk::placeToRead() const {
  documents::Place place = place_;
  if (place.scope == documents::Scope::Default && place.partition.empty())
    place.scope = documents::Scope::Visible;
  return place;
}

Result<documents::DocumentRef> DocDesk::find(const std::string& id_or_name) {
  documents::DocumentRef ref{id_or_name, place_.partition};
  if (documents::isDocumentId(id_or_name)) return ref;
  documents::QueryRequest query;
  query.caller = caller_;
  query.filter.place = placeToRead();
  query.filter.name_contains = id_or_name;
  for (const char c : id_or_name)  // the whole name, its own signs taken literally
    query.filter.name_glob += std::string_view("*?[").find(c) == std::string_view::npos
                                  ? std::string(1, c)
                                  : std::string("[") + c + "]";
  query.filter.count_max = 1000;
  auto found = await<documents::QueryAnswer>(
      [&](auto done) { service().query(std::move(query), std::move(done)); });
  if (!found.ok()) return std::move(found).error();
  std::vector<std::string> ids;
  for (const documents::DocumentInfo& info : found->documents)
    if (info.document.filename == id_or_name) ids.push_back(info.document.id);
  if (ids.empty())
    return Error(Code::NotFound, "no document has the id or the file name '" + id_or_name + "'",
                 "tutti doc ls shows which there are")
        .named("document_not_found");
  if (ids.size() > 1)
    return Error(Code::Conflict, "several documents are named '" + id_or_name + "'",
                 "name one by its id: " + joined(ids))
        .named("name_ambiguous");
  ref.document_id = ids.front();
  return ref;
}

int DocDesk::failed(const Error& error) {
  printError(error);
  if (error.name() == "interrupted") return 128 + SIGINT;
  if (error.name() == "terminated") return 128 + SIGTERM;
  return 1;
}

std::string sizeText(std::int64_t bytes) {
  constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (size /= 1000; size >= 999.5 && unit + 1 < std::size(kUnits); ++unit) size /= 1000;
  return fmt::format("{:.{}f} {}", size, size < 10 ? 1 : 0, kUnits[unit]);
}

bool printDocument(const documents::Document& document, Format format) {
  if (format == Format::Json) {
    Json said = documents::toJson(document);
    said.erase("url");
    said["uri"] = documents::documentUri(document.id);
    return printJson(said) == 0;
  }
  return printOut(fmt::format("{}  v{:<3} {:>8}  {}  {}\n", document.id, document.version,
                              sizeText(document.size_bytes), document.updated_at.substr(0, 16),
                              oneLine(document.filename, 80)));
}

}  // namespace tutti::cli

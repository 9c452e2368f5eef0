// `tutti doc edit`, `restore`, `rm` and `link`.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "server/base/file.hpp"
#include "server/cli/doc_desk.hpp"
#include "server/cli/format.hpp"
#include "server/cli/print.hpp"

namespace tutti::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kEditorBytesMax = 64U << 20;

/// A folder of our own that goes with this object.
class TemporaryFolder {
 public:
  /// Errors: FailedPrecondition "no_temporary_folder".
  static Result<std::unique_ptr<TemporaryFolder>> make() {
    std::string base = fromEnvironment("TMPDIR");
    if (base.empty()) base = "/tmp";
    std::string path = (fs::path(base) / "tutti-edit-XXXXXX").string();
    if (::mkdtemp(path.data()) != nullptr)
      return std::unique_ptr<TemporaryFolder>(new TemporaryFolder(std::move(path)));
    return Error(
               Code::FailedPrecondition,
               "no folder for the editor's file can be made in '" + base + "': " + errnoText(errno),
               "set TMPDIR to a folder that can be written to")
        .named("no_temporary_folder");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

/// $VISUAL or $EDITOR may bring options of its own, as in "code --wait".
Status runEditor(const std::string& file) {
  std::string editor = fromEnvironment("VISUAL");
  if (editor.empty()) editor = fromEnvironment("EDITOR");
  if (editor.empty())
    return Error(Code::FailedPrecondition, "neither --new nor an editor is given",
                 "set EDITOR, or say what to change by --old and --new, or --offset and --new")
        .named("no_editor");
  std::vector<std::string> words;
  std::istringstream split(editor);
  for (std::string word; split >> word;) words.push_back(word);
  words.push_back(file);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, argv[0], nullptr, nullptr, argv.data(), environ);
  if (failed != 0)
    return Error(Code::FailedPrecondition,
                 "'" + words[0] + "' cannot be started: " + errnoText(failed),
                 "set EDITOR to a program that is installed")
        .named("no_editor");
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ok();
  return Error(Code::Cancelled, "the editor failed; nothing was changed").named("editor_failed");
}

/// Of one session with an editor: what it is written over must not have changed meanwhile.
Result<documents::Document> editByHand(DocDesk& desk, const documents::DocumentRef& ref,
                                       const std::string& note) {
  documents::ReadRequest read{.caller = desk.caller(), .ref = ref, .bytes_max = kEditorBytesMax};
  auto content = desk.await<documents::ReadContent>(
      [&](auto done) { desk.service().read(std::move(read), std::move(done)); });
  if (!content.ok()) return std::move(content).error();
  if (!content->is_text && content->document.version > 0)
    return Error(Code::InvalidArgument,
                 "'" + content->document.filename + "' is no text (" +
                     content->document.content_type + ")",
                 "tutti doc pull saves it as a file, tutti doc push --document puts it back")
        .named("not_text");
  auto folder = TemporaryFolder::make();
  if (!folder.ok()) return std::move(folder).error();
  const fs::path file = fs::path((*folder)->path()) / content->document.filename;
  if (Status written = replaceFile(file, content->bytes); !written.ok())
    return std::move(written).error();
  if (Status edited = runEditor(file.string()); !edited.ok()) return std::move(edited).error();
  auto text = readFile(file, kEditorBytesMax);
  if (!text.ok()) return std::move(text).error();
  documents::WriteRequest write;
  write.caller = desk.caller();
  write.ref = ref;
  write.content = std::move(*text);
  write.note = note;
  write.expected_version = content->document.version;
  auto changed = desk.await<documents::Changed>(
      [&](auto done) { desk.service().write(std::move(write), std::move(done)); });
  if (!changed.ok()) return std::move(changed).error();
  return std::move(changed->document);
}

Result<documents::Document> editByWords(DocDesk& desk, const documents::DocumentRef& ref,
                                        const DocEditRequest& request) {
  documents::EditRequest edit;
  edit.caller = desk.caller();
  edit.ref = ref;
  edit.edit = {request.new_string.value_or(""), request.old_string, request.replace_all,
               request.offset, request.length};
  edit.note = request.note;
  auto edited = desk.await<documents::Edited>(
      [&](auto done) { desk.service().edit(std::move(edit), std::move(done)); });
  if (!edited.ok()) return std::move(edited).error();
  return std::move(edited->document);
}

int shown(const Result<documents::Document>& document, Format format) {
  if (!document.ok()) return DocDesk::failed(document.error());
  return printDocument(*document, format) ? 0 : 1;
}

int removeLink(DocDesk& desk, const DocLinkRequest& request) {
  auto removed = desk.await<std::vector<std::int64_t>>([&](auto done) {
    desk.service().removeRelation(desk.caller(), request.remove_id, request.partition,
                                  std::move(done));
  });
  return removed.ok() ? 0 : DocDesk::failed(removed.error());
}

}  // namespace

int runDocEdit(const Settings& settings, const DocEditRequest& request) {
  if ((request.old_string || request.offset) && !request.new_string)
    return printError(Error(Code::InvalidArgument, "it is not said what comes in its place",
                            "give it by --new; --new '' removes the text")
                          .named("new_missing"));
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto ref = (*desk)->find(request.document);
  if (!ref.ok()) return DocDesk::failed(ref.error());
  const bool by_words = request.old_string || request.new_string || request.offset;
  return shown(
      by_words ? editByWords(**desk, *ref, request) : editByHand(**desk, *ref, request.note),
      request.format);
}

int runDocRestore(const Settings& settings, const DocRestoreRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  auto ref = (*desk)->find(request.document);
  if (!ref.ok()) return DocDesk::failed(ref.error());
  documents::Restore restore{*ref, request.version, std::nullopt, request.note};
  auto changed = (*desk)->await<documents::Changed>([&](auto done) {
    (*desk)->service().restore((*desk)->caller(), std::move(restore), std::move(done));
  });
  if (!changed.ok()) return DocDesk::failed(changed.error());
  return printDocument(changed->document, request.format) ? 0 : 1;
}

int runDocRemove(const Settings& settings, const DocRemoveRequest& request) {
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  int status = 0;
  Json all = Json::array();
  for (const std::string& document : request.documents) {
    auto ref = (*desk)->find(document);
    if (!ref.ok()) {
      status = DocDesk::failed(ref.error());
      continue;
    }
    auto removed = (*desk)->await<std::vector<std::string>>([&](auto done) {
      (*desk)->service().remove((*desk)->caller(), {*ref, std::nullopt}, std::move(done));
    });
    if (!removed.ok()) {
      status = DocDesk::failed(removed.error());
      if (removed.error().code() == Code::Cancelled) break;
      continue;
    }
    for (const std::string& id : *removed) {
      all.push_back(id);
      if (request.format == Format::People) printOut(id + "\n");
    }
  }
  if (request.format == Format::Json) printJson({{"deleted_document_ids", all}});
  return status;
}

int runDocLink(const Settings& settings, const DocLinkRequest& request) {
  if (request.remove_id.empty() == request.from.empty() ||
      request.from.empty() != request.to.empty())
    return printError(Error(Code::InvalidArgument, "it is not said what to link",
                            "give two documents, or --remove with the number that doc info shows"));
  auto desk = DocDesk::open(settings, request);
  if (!desk.ok()) return printError(desk.error());
  if (!request.remove_id.empty()) return removeLink(**desk, request);
  auto from = (*desk)->find(request.from);
  if (!from.ok()) return DocDesk::failed(from.error());
  auto to = (*desk)->find(request.to);
  if (!to.ok()) return DocDesk::failed(to.error());
  documents::NewRelation relation;
  relation.definition = request.type;
  relation.from = *from;
  relation.to = *to;
  if (!request.note.empty()) relation.from_to_note = request.note;
  auto pair = (*desk)->await<documents::RelationPair>([&](auto done) {
    (*desk)->service().relate((*desk)->caller(), std::move(relation), std::move(done));
  });
  if (!pair.ok()) return DocDesk::failed(pair.error());
  if (request.format == Format::Json)
    return printJson({{"from_relation", documents::toJson(pair->from_relation)},
                      {"to_relation", documents::toJson(pair->to_relation)}});
  const documents::Relation& link = pair->from_relation;
  const char* of = link.relation_type == "related" ? "to" : "of";
  return printOut(fmt::format("#{}  {} is {} {} {}\n", link.id, link.related_document_id,
                              link.relation_type, of, link.document_id))
             ? 0
             : 1;
}

}  // namespace tutti::cli

// The names and options of `tutti doc …`.
#include <CLI/CLI.hpp>
#include <type_traits>

#include "server/cli/doc.hpp"

namespace tutti::cli {
namespace {

/// Adds one command whose request lives as long as the program.
template <class Request>
class DocCommand {
 public:
  using Run = int (*)(const Settings&, const Request&);

  DocCommand(CLI::App& doc, const char* name, const char* description)
      : app_(*doc.add_subcommand(name, description)), request_(std::make_shared<Request>()) {
    if constexpr (!std::is_same_v<Request, DocPartitionRequest>) {
      app_.add_option("--scope", request_->scope, "tree, project, global or visible")
          ->check(CLI::IsMember({"tree", "project", "global", "visible"}));
      app_.add_option("--partition", request_->partition, "A named partition instead of a scope");
    }
    app_.add_flag_callback(
        "--json", [request = request_] { request->format = Format::Json; }, "Print JSON");
  }

  CLI::App& app() { return app_; }
  Request& request() { return *request_; }

  DocCommand& document(std::string Request::*member) {
    app_.add_option("document", (*request_).*member,
                    "Its id, or its file name when only one has it")
        ->required();
    return *this;
  }

  void runs(Run run, const Settings& settings, std::function<int()>& chosen) {
    app_.callback([request = request_, run, &settings, &chosen] {
      chosen = [request, run, &settings] { return run(settings, *request); };
    });
  }

 private:
  CLI::App& app_;
  std::shared_ptr<Request> request_;
};

using Chosen = std::function<int()>;

void addPush(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  DocCommand<DocPushRequest> push(doc, "push", "Put files, or standard input, into documents");
  DocPushRequest& request = push.request();
  push.app().add_option("files", request.files, "Files; - or none: standard input");
  push.app().add_option("--name", request.name, "File name of the document");
  push.app().add_option("--type", request.content_type, "Content type; default: by the name");
  push.app().add_option("--tag", request.tags, "A tag (may be repeated)")->allow_extra_args(false);
  push.app()
      .add_option("--meta", request.metadata, "key=value (may be repeated)")
      ->allow_extra_args(false);
  push.app().add_option("--description", request.description, "What it is");
  push.app().add_option("--document", request.document, "Make it the next version of this one");
  push.app().add_option("--expected-version", request.expected_version,
                        "Refuse unless this is the newest version");
  push.app().add_option("--note", request.note, "Why, kept with the version");
  push.runs(runDocPush, settings, chosen);
}

void addReading(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  DocCommand<DocPullRequest> pull(doc, "pull", "Save a document as a file");
  pull.document(&DocPullRequest::document);
  pull.app().add_option("--output,-o,output", pull.request().output,
                        "File or folder, - for standard output; default: its name");
  pull.app()
      .add_option("--version", pull.request().version, "An older version")
      ->check(CLI::PositiveNumber);
  pull.app().add_flag("--force,-f", pull.request().force, "Replace a file that is there");
  pull.runs(runDocPull, settings, chosen);

  DocCommand<DocPullRequest> cat(doc, "cat", "Print a document");
  cat.document(&DocPullRequest::document);
  cat.app()
      .add_option("--version", cat.request().version, "An older version")
      ->check(CLI::PositiveNumber);
  cat.app().add_option("--offset", cat.request().offset, "First character, of a text");
  cat.app().add_option("--limit", cat.request().limit, "How many characters");
  cat.runs(runDocCat, settings, chosen);

  DocCommand<DocListRequest> list(doc, "ls", "List documents");
  list.app().add_option("name", list.request().name, "Part of the file name, or a pattern");
  list.app()
      .add_option("--tag", list.request().tags, "Only with this tag (may be repeated)")
      ->allow_extra_args(false);
  list.app()
      .add_option("--order", list.request().order, "created, updated, name or size")
      ->check(CLI::IsMember({"created", "updated", "name", "size"}))
      ->capture_default_str();
  list.app()
      .add_option("--limit,-n", list.request().limit, "How many")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  list.runs(runDocList, settings, chosen);
}

void addSearch(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  DocCommand<DocSearchRequest> search(doc, "search", "Search what is in documents");
  search.app()
      .add_option("words", search.request().words, "Words, \"a phrase\", prefix*, AND OR NOT")
      ->required();
  search.app()
      .add_option("--mode", search.request().mode,
                  "fulltext, semantic, hybrid; default: hybrid where there are embeddings")
      ->check(CLI::IsMember({"fulltext", "semantic", "hybrid"}));
  search.app()
      .add_option("--tag", search.request().tags, "Only with this tag (may be repeated)")
      ->allow_extra_args(false);
  search.app()
      .add_option("--limit,-n", search.request().limit, "How many documents")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  search.runs(runDocSearch, settings, chosen);
}

void addLooking(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  DocCommand<DocShowRequest> info(doc, "info", "Tell what is known of a document");
  info.document(&DocShowRequest::document).runs(runDocInfo, settings, chosen);
  DocCommand<DocShowRequest> log(doc, "log", "List a document's versions");
  log.document(&DocShowRequest::document).runs(runDocLog, settings, chosen);
  DocCommand<DocShowRequest> diff(doc, "diff", "Show what changed between two versions");
  diff.document(&DocShowRequest::document);
  diff.app()
      .add_option("from", diff.request().from, "Default: the one before")
      ->check(CLI::PositiveNumber);
  diff.app().add_option("to", diff.request().to, "Default: the newest")->check(CLI::PositiveNumber);
  diff.runs(runDocDiff, settings, chosen);
}

void addChanging(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  DocCommand<DocEditRequest> edit(doc, "edit", "Change a part of a text, or all of it in $EDITOR");
  edit.document(&DocEditRequest::document);
  edit.app().add_option("--old", edit.request().old_string, "Text to replace; must occur once");
  edit.app().add_option("--new", edit.request().new_string, "What comes in its place");
  edit.app().add_flag("--all", edit.request().replace_all, "Replace each occurrence");
  edit.app().add_option("--offset", edit.request().offset, "Instead of --old: first character");
  edit.app().add_option("--length", edit.request().length, "Characters to replace from there");
  edit.app().add_option("--note", edit.request().note, "Why, kept with the version");
  edit.runs(runDocEdit, settings, chosen);

  DocCommand<DocRestoreRequest> restore(doc, "restore", "Make an old version the newest again");
  restore.document(&DocRestoreRequest::document);
  restore.app()
      .add_option("version", restore.request().version, "Its number")
      ->required()
      ->check(CLI::PositiveNumber);
  restore.app().add_option("--note", restore.request().note, "Why");
  restore.runs(runDocRestore, settings, chosen);

  DocCommand<DocRemoveRequest> remove(doc, "rm", "Delete documents, with their children");
  remove.app().add_option("documents", remove.request().documents, "Ids or file names")->required();
  remove.runs(runDocRemove, settings, chosen);

  DocCommand<DocLinkRequest> link(doc, "link", "Link two documents, or remove a link");
  link.app().add_option("from", link.request().from, "Id or file name");
  link.app().add_option("to", link.request().to, "Id or file name");
  link.app()
      .add_option("--type", link.request().type, "parent-child, related, predecessor-successor")
      ->capture_default_str();
  link.app().add_option("--note", link.request().note, "What the first has to do with the second");
  link.app().add_option("--remove", link.request().remove_id, "Number of the link");
  link.runs(runDocLink, settings, chosen);
}

void addPartitions(CLI::App& doc, const Settings& settings, Chosen& chosen) {
  auto* partition = doc.add_subcommand("partition", "Make, list and delete named partitions");
  partition->require_subcommand(1);
  DocCommand<DocPartitionRequest> add(*partition, "add", "Make a partition");
  add.app().add_option("name", add.request().name, "Its name")->required();
  add.app().add_option("--description", add.request().description, "What it is for");
  add.runs(runDocPartitionAdd, settings, chosen);
  DocCommand<DocPartitionRequest> list(*partition, "ls", "List the named partitions");
  list.runs(runDocPartitionList, settings, chosen);
  DocCommand<DocPartitionRequest> remove(*partition, "rm",
                                         "Delete a partition with all its documents");
  remove.app().add_option("name", remove.request().name, "Its name")->required();
  remove.runs(runDocPartitionRemove, settings, chosen);
}

}  // namespace

void addDocCommands(CLI::App& app, const Settings& settings, std::function<int()>& chosen) {
  auto* doc = app.add_subcommand("doc", "Put, find, read and change shared documents");
  doc->require_subcommand(1);
  addPush(*doc, settings, chosen);
  addReading(*doc, settings, chosen);
  addSearch(*doc, settings, chosen);
  addLooking(*doc, settings, chosen);
  addChanging(*doc, settings, chosen);
  addPartitions(*doc, settings, chosen);
}

}  // namespace tutti::cli

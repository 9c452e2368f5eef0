// Is the store whole? SQLite's own checks of the database, then the context store's of its files
// and of the search's index. And what of blueprints' and routing rules' files cannot be used.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/cli/commands.hpp"
#include "server/cli/migrations.hpp"
#include "server/cli/print.hpp"
#include "server/cli/sources.hpp"
#include "server/documents/check.hpp"
#include "server/search/check.hpp"
#include "server/store/outstanding.hpp"
#include "server/store/statement.hpp"

namespace tutti::cli {
using documents::Checked;
using documents::Finding;

namespace {
constexpr std::size_t kProblemsShownMax = 100;

void addDamage(Checked& checked, const char* name, std::string subject, std::string message) {
  ++checked.findings_count;
  ++checked.damage_count;
  checked.findings.push_back(
      {Finding::Kind::Damage, name, std::move(subject), std::move(message), false});
}

Status checkDatabase(store::Store& store, Checked& checked) {
  return store.readAndWait([&](store::Connection& db) {
    store::Statement integrity(db, "PRAGMA integrity_check(100)");
    while (integrity.step())
      if (const std::string text = integrity.text(0); text != "ok")
        addDamage(checked, "database_damaged", "tutti.db", text);
    store::Statement keys(db, "PRAGMA foreign_key_check");
    while (keys.step()) {
      // Of the index its own check tells more, and mends it.
      if (keys.text(0).starts_with("search_")) continue;
      addDamage(checked, "row_without_parent", keys.text(0),
                "row " + keys.text(1) + " of " + keys.text(0) + " refers to a row of " +
                    keys.text(2) + " that is not there");
    }
    return ok();
  });
}

const char* kindOf(const Finding& finding) {
  switch (finding.kind) {
    case Finding::Kind::Damage:
      return "damage";
    case Finding::Kind::Garbage:
      return "garbage";
    case Finding::Kind::Index:
      return "index";
  }
  return "";
}

Json findingsJson(const Checked& checked) {
  Json list = Json::array();
  for (const Finding& finding : checked.findings)
    list.push_back({{"kind", kindOf(finding)},
                    {"name", finding.name},
                    {"subject", finding.subject},
                    {"message", finding.message},
                    {"fixed", finding.fixed}});
  return list;
}

Json toJson(const Checked& checked, const search::IndexChecked& index) {
  Json json = Json::object();
  json["documents"] = checked.documents;
  json["versions"] = checked.versions;
  json["contents"] = checked.contents;
  json["files"] = checked.files;
  json["bytes_hashed"] = checked.bytes_hashed;
  json["index"] = Json::object({{"documents", index.documents},
                                {"sections", index.sections},
                                {"vectors", index.vectors},
                                {"waiting", index.waiting}});
  json["findings_count"] = checked.findings_count;
  json["damage_count"] = checked.damage_count;
  json["findings"] = findingsJson(checked);
  return json;
}

std::string wordOf(const Finding& finding) {
  if (!finding.fixed) return kindOf(finding);
  return finding.kind == Finding::Kind::Index ? "mended" : "removed";
}

void printFinding(const Finding& finding) {
  printOut(wordOf(finding) + ": " + oneLine(finding.message, 400) + "\n");
}

void show(const Checked& checked, const search::IndexChecked& index) {
  bool fixable = false;
  for (const Finding& finding : checked.findings) {
    fixable = fixable || (finding.kind != Finding::Kind::Damage && !finding.fixed);
    printFinding(finding);
  }
  const auto listed = static_cast<std::int64_t>(checked.findings.size());
  if (checked.findings_count > listed)
    printOut("and " + std::to_string(checked.findings_count - listed) + " more\n");
  printOut(std::to_string(checked.documents) + " documents, " + std::to_string(checked.versions) +
           " versions, " + std::to_string(checked.contents) + " contents, " +
           std::to_string(checked.files) +
           " files: " + (checked.damage_count > 0 ? "damaged" : "whole") + "\n");
  printOut(std::to_string(index.documents) + " documents, " + std::to_string(index.sections) +
           " sections, " + std::to_string(index.vectors) +
           " vectors in the index: " + (index.unfixed_count > 0 ? "wrong" : "right") + "\n");
  if (index.waiting > 0)
    printOut(std::to_string(index.waiting) + " wait to be indexed by the next tutti that stays\n");
  if (fixable) printOut("tutti doctor --fix removes garbage and mends the index\n");
}

Json problemJson(const char* kind, const routing::RuleProblem& problem) {
  Json json =
      Json::object({{"kind", kind}, {"source", problem.source}, {"message", problem.message}});
  if (problem.line > 0) json["line"] = problem.line;
  if (!problem.field.empty()) json["field"] = problem.field;
  if (!problem.hint.empty()) json["hint"] = problem.hint;
  return json;
}

Json toJson(const SourceProblems& problems) {
  Json json = Json::array();
  for (const agents::BlueprintProblem& one : problems.blueprints)
    json.push_back(problemJson("blueprint", {one.source, 0, "", one.message, ""}));
  for (const routing::RuleProblem& one : problems.rules)
    json.push_back(problemJson("routing_rule", one));
  return json;
}

void show(const SourceProblems& problems) {
  std::vector<std::string> lines;
  for (const agents::BlueprintProblem& one : problems.blueprints)
    lines.push_back("blueprint: " + one.source + ": " + one.message);
  for (const routing::RuleProblem& one : problems.rules)
    lines.push_back("routing rule: " + one.text());
  for (std::size_t i = 0; i < lines.size() && i < kProblemsShownMax; ++i)
    printOut(oneLine(lines[i], 600) + "\n");
  if (lines.size() > kProblemsShownMax)
    printOut("and " + std::to_string(lines.size() - kProblemsShownMax) +
             " more problems of files: --json has all\n");
}

/// A check that could not be made, on a full disk or with a damaged database, is a finding: what
/// was found before it is told all the same.
search::IndexChecked checkIndex(store::Store& store, const DoctorRequest& request) {
  auto checked = search::checkIndex(store, {.fix = request.fix});
  if (checked.ok()) return std::move(*checked);
  search::IndexChecked failed;
  failed.findings_count = failed.unfixed_count = 1;
  failed.findings.push_back({Finding::Kind::Index, "index_not_checked", "tutti.db",
                             "the index cannot be checked: " + checked.error().text(), false});
  return failed;
}

/// Of a store that an older tutti has written: what bringing it up to date would do, and whether
/// its database is whole before that. Nothing else can be read as it is.
int reportOlder(const std::filesystem::path& folder, const std::vector<store::Migration>& missing,
                const DoctorRequest& request) {
  std::vector<store::Migration> applied;
  for (const store::Migration& one : allMigrations()) {
    const auto same = [&one](const store::Migration& other) { return other.number == one.number; };
    if (std::none_of(missing.begin(), missing.end(), same)) applied.push_back(one);
  }
  Checked checked;
  if (!applied.empty()) {
    auto store = store::Store::open(folder, applied);
    if (!store.ok()) return printError(store.error());
    if (Status done = checkDatabase(**store, checked); !done.ok()) return printError(done.error());
  }
  if (request.format == Format::Json) {
    Json json = Json::object({{"outstanding", Json::array()}});
    for (const store::Migration& one : missing)
      json["outstanding"].push_back({{"number", one.number}, {"name", one.name}});
    json["findings_count"] = checked.findings_count;
    json["damage_count"] = checked.damage_count;
    json["findings"] = findingsJson(checked);
    printJson(json);
    return 1;
  }
  for (const Finding& finding : checked.findings) printFinding(finding);
  printOut("the store is of an older tutti; these steps bring it up to date:\n");
  for (const store::Migration& one : missing)
    printOut("  " + std::to_string(one.number) + " " + std::string(one.name) + "\n");
  printOut("tutti doctor --fix takes them, as any other command does, and checks the rest then\n");
  return 1;
}
}  // namespace

int runDoctor(const Settings& settings, const DoctorRequest& request) {
  auto folder = dataFolder(settings.data);
  if (!folder.ok()) return printError(folder.error());
  std::error_code none;
  if (!std::filesystem::exists(*folder / "tutti.db", none))
    return printError(Error(Code::NotFound, "there is no store in '" + folder->string() + "'",
                            "name its folder with --data"));
  auto missing = store::outstandingMigrations(*folder, allMigrations());
  if (!missing.ok()) return printError(missing.error());
  if (!missing->empty() && !request.fix) return reportOlder(*folder, *missing, request);
  auto store = store::Store::open(*folder, allMigrations());
  if (!store.ok()) return printError(store.error());
  documents::CheckOptions options;
  options.fix = request.fix;
  Checked database;
  if (Status done = checkDatabase(**store, database); !done.ok()) return printError(done.error());
  auto checked =
      documents::checkDocuments(**store, documents::ContentFiles((*store)->folder()), options);
  if (!checked.ok()) return printError(checked.error());
  const search::IndexChecked index = checkIndex(**store, request);
  checked->findings_count += database.findings_count + index.findings_count;
  checked->damage_count += database.damage_count;
  checked->findings.insert(checked->findings.begin(), database.findings.begin(),
                           database.findings.end());
  checked->findings.insert(checked->findings.end(), index.findings.begin(), index.findings.end());
  const SourceProblems problems = sourceProblems(settings);
  if (request.format == Format::Json) {
    Json json = toJson(*checked, index);
    json["problems"] = toJson(problems);
    printJson(json);
  } else {
    show(*checked, index);
    show(problems);
  }
  return checked->damage_count > 0 || index.unfixed_count > 0 ? 1 : 0;
}

}  // namespace tutti::cli

// Is the store whole? SQLite's own checks of the database, then the context store's of its files.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "server/cli/commands.hpp"
#include "server/cli/migrations.hpp"
#include "server/cli/print.hpp"
#include "server/documents/check.hpp"
#include "server/store/statement.hpp"

namespace tutti::cli {
using documents::Checked;
using documents::Finding;

namespace {
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
    while (keys.step())
      addDamage(checked, "row_without_parent", keys.text(0),
                "row " + keys.text(1) + " of " + keys.text(0) + " refers to a row of " +
                    keys.text(2) + " that is not there");
    return ok();
  });
}

Json toJson(const Checked& checked) {
  Json json = Json::object();
  json["documents"] = checked.documents;
  json["versions"] = checked.versions;
  json["contents"] = checked.contents;
  json["files"] = checked.files;
  json["bytes_hashed"] = checked.bytes_hashed;
  json["findings_count"] = checked.findings_count;
  json["damage_count"] = checked.damage_count;
  json["findings"] = Json::array();
  for (const Finding& finding : checked.findings)
    json["findings"].push_back(
        {{"kind", finding.kind == Finding::Kind::Damage ? "damage" : "garbage"},
         {"name", finding.name},
         {"subject", finding.subject},
         {"message", finding.message},
         {"fixed", finding.fixed}});
  return json;
}

void show(const Checked& checked, const DoctorRequest& request) {
  bool garbage_left = false;
  for (const Finding& finding : checked.findings) {
    const bool damage = finding.kind == Finding::Kind::Damage;
    garbage_left = garbage_left || (!damage && !finding.fixed);
    const char* word = damage ? "damage: " : finding.fixed ? "removed: " : "garbage: ";
    printOut(word + oneLine(finding.message, 400) + "\n");
  }
  const auto listed = static_cast<std::int64_t>(checked.findings.size());
  if (checked.findings_count > listed)
    printOut("and " + std::to_string(checked.findings_count - listed) + " more\n");
  printOut(std::to_string(checked.documents) + " documents, " + std::to_string(checked.versions) +
           " versions, " + std::to_string(checked.contents) + " contents, " +
           std::to_string(checked.files) +
           " files: " + (checked.damage_count > 0 ? "damaged" : "whole") + "\n");
  if (garbage_left && !request.fix) printOut("tutti doctor --fix removes the garbage\n");
}
}  // namespace

int runDoctor(const Settings& settings, const DoctorRequest& request) {
  auto folder = dataFolder(settings.data);
  if (!folder.ok()) return printError(folder.error());
  std::error_code none;
  if (!std::filesystem::exists(*folder / "tutti.db", none))
    return printError(Error(Code::NotFound, "there is no store in '" + folder->string() + "'",
                            "name its folder with --data"));
  auto store = store::Store::open(*folder, allMigrations());
  if (!store.ok()) return printError(store.error());
  documents::CheckOptions options;
  options.fix = request.fix;
  Checked database;
  if (Status done = checkDatabase(**store, database); !done.ok()) return printError(done.error());
  auto checked =
      documents::checkDocuments(**store, documents::ContentFiles((*store)->folder()), options);
  if (!checked.ok()) return printError(checked.error());
  checked->findings_count += database.findings_count;
  checked->damage_count += database.damage_count;
  checked->findings.insert(checked->findings.begin(), database.findings.begin(),
                           database.findings.end());
  if (request.format == Format::Json)
    printJson(toJson(*checked));
  else
    show(*checked, request);
  return checked->damage_count > 0 ? 1 : 0;
}

}  // namespace tutti::cli

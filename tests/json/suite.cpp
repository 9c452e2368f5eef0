#include "tests/json/suite.hpp"

#include <cstdlib>
#include <iostream>

#include "server/base/file.hpp"

namespace tutti::json::testing {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kFileMax = 16U << 20;

Json load(const fs::path& path) {
  auto text = readFile(path, kFileMax);
  if (!text.ok()) return Json();
  auto value = parse(*text);
  // A few files of the suite hold what our parser refuses on purpose; none of them is needed.
  return value.ok() ? std::move(value).value() : Json();
}

bool isExcluded(const Exclusions& exclusions, const std::string& name, const std::string& group,
                const std::string& test, Tally& tally) {
  const std::string keys[] = {name, name + ": " + group, name + ": " + group + ": " + test};
  for (const std::string& key : keys) {
    if (!exclusions.contains(key)) continue;
    ++tally.excluded;
    return true;
  }
  return false;
}

void runGroup(const Json& group, const std::string& name, const SchemaOptions& options,
              const Exclusions& exclusions, Tally& tally) {
  const std::string title = stringOr(group, "description", "");
  std::vector<const Json*> wanted;
  for (const Json& test : group.at("tests"))
    if (!isExcluded(exclusions, name, title, stringOr(test, "description", ""), tally))
      wanted.push_back(&test);
  if (wanted.empty()) return;
  const auto schema = Schema::compile(group.at("schema"), options);
  for (const Json* test : wanted) {
    ++tally.cases;
    const std::string where = name + ": " + title + ": " + stringOr(*test, "description", "");
    if (!schema.ok()) {
      tally.failures.push_back(where + ": does not compile: " + schema.error().message());
      continue;
    }
    const auto errors = schema->validate(test->at("data"));
    if (errors.empty() != booleanOr(*test, "valid", false))
      tally.failures.push_back(where + (errors.empty() ? ": accepted" : ": " + errorsText(errors)));
  }
}
}  // namespace

fs::path suiteRoot() {
  std::vector<fs::path> places;
  if (const char* named = std::getenv("TUTTI_SCHEMA_SUITE"); named != nullptr && *named != '\0') {
    places = {fs::path(named), fs::path(named).parent_path()};
  } else {
    places = {fs::path(TUTTI_SOURCE_DIR) / "tests/node_modules/json-schema-test-suite",
              "/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance",
              "/usr/share/json-schema-test-suite"};
  }
  for (const fs::path& place : places)
    if (fs::is_directory(place / "tests/draft2020-12") && fs::is_directory(place / "tests/draft7"))
      return place;
  return {};
}

Remotes::Remotes(const fs::path& root) {
  const fs::path folder = root / "remotes";
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const std::string uri =
        "http://localhost:1234/" + entry.path().lexically_relative(folder).string();
    documents_.emplace(uri, load(entry.path()));
  }
}

const Json* Remotes::find(std::string_view uri) const {
  const auto place = documents_.find(uri);
  return place == documents_.end() ? nullptr : &place->second;
}

void runFile(const fs::path& file, const std::string& name, const SchemaOptions& options,
             const Exclusions& exclusions, Tally& tally) {
  const Json groups = load(file);
  if (!groups.is_array()) {
    tally.failures.push_back(name + ": cannot be read");
    return;
  }
  ++tally.files;
  for (const Json& group : groups) runGroup(group, name, options, exclusions, tally);
}

}  // namespace tutti::json::testing

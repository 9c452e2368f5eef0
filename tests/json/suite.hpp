// The official JSON-Schema-Test-Suite, wherever this machine has it.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/json/schema/schema.hpp"

namespace tutti::json::testing {

/// The suite's root: the folder that holds tests/ (with draft2020-12) and remotes/. Empty when none
/// is there. TUTTI_SCHEMA_SUITE names it, or its tests/ folder; else the known places are looked
/// at.
std::filesystem::path suiteRoot();

/// The documents that the suite serves from http://localhost:1234.
class Remotes {
 public:
  explicit Remotes(const std::filesystem::path& root);
  const Json* find(std::string_view uri) const;
  std::size_t size() const { return documents_.size(); }

 private:
  std::map<std::string, Json, std::less<>> documents_;
};

/// What ran and what went wrong.
struct Tally {
  std::size_t files = 0;
  std::size_t cases = 0;
  std::size_t excluded = 0;
  std::vector<std::string> failures;
};

/// Cases that are left out, by "file: group" or "file: group: case", each with its reason.
using Exclusions = std::map<std::string, std::string>;

/// Runs one file of the suite. `name` is its path below the draft's folder.
void runFile(const std::filesystem::path& file, const std::string& name,
             const SchemaOptions& options, const Exclusions& exclusions, Tally& tally);

}  // namespace tutti::json::testing

// Where blueprints and routing rules come from, and what is wrong in these files.
#pragma once

#include <vector>

#include "server/agents/blueprint.hpp"
#include "server/cli/settings.hpp"
#include "server/routing/rules.hpp"

namespace tutti::cli {

/// Sources of blueprints by the settings: named folders, packs, and Claude Code's of project and
/// user.
agents::BlueprintCatalog::Options catalogOptions(const Settings& settings);

/// What cannot be used of the files, by file.
struct SourceProblems {
  std::vector<agents::BlueprintProblem> blueprints;
  std::vector<routing::RuleProblem> rules;
};
/// Reads all of these files.
SourceProblems sourceProblems(const Settings& settings);

}  // namespace tutti::cli

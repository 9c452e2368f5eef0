// Hosts, files and addresses that a request names. Inner to this folder.
#pragma once

#include <string_view>
#include <vector>

#include "server/routing/analysis.hpp"
#include "server/routing/vocabulary.hpp"

namespace tutti::routing {

/// In order, each once, at most kReferencesMax.
std::vector<Finding<Reference>> referencesIn(std::string_view text, const Vocabulary& vocabulary);

}  // namespace tutti::routing

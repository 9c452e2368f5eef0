// What a conversational agent is told when its blueprint has parameters of its own.
#pragma once

#include <string>

#include "server/json/json.hpp"

namespace tutti::runner {

/// The prompt itself when `parameters` is {"prompt": text} and nothing else; otherwise AOF's block
/// (ADR-015): one "key: value" line a parameter between <inputs> and </inputs>, in order of the
/// keys. Text of several lines stands indented below its key, lists and objects stand as JSON.
std::string formatPrompt(const Json& parameters);

}  // namespace tutti::runner

// The metaschemas of both drafts, so that "$ref" to them needs no network.
#pragma once

#include <span>
#include <string_view>

#include "server/json/json.hpp"

namespace tutti::json::schema {

struct MetaschemaText {
  std::string_view uri;  ///< absolute, without fragment
  std::string_view text;
};
std::span<const MetaschemaText> metaschemaTexts();

/// The metaschema published at `uri` (without fragment), or nullptr. Lives as long as the program.
/// Thread-safe; parsed when first asked for.
const Json* metaschema(std::string_view uri);

}  // namespace tutti::json::schema

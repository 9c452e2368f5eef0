// Any text as the value of a header.
#pragma once

#include <string>

namespace tutti::transport {

/// `value` as it may stand in a header: as it is, or in the base64 form of MCP.
std::string headerValue(const std::string& value);

}  // namespace tutti::transport

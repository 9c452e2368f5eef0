// The URIs by which resources of mounted servers are read here.
//
// `tutti://mounted/<server>/<the server's own URI, as it is>`: two servers stay apart, a template
// of the server's with that prefix is a template of ours, and what follows the prefix is what the
// server is asked for, byte for byte.
#pragma once

#include <string>
#include <string_view>

namespace tutti::toolhost {

/// "tutti://mounted/web/": the name percent-encoded.
std::string mountedUriPrefix(std::string_view server);

/// What reads any resource of a server by its own URI. Offered for each that has resources, so that
/// the same template of a server's own is not offered beside it.
inline constexpr std::string_view kAnyUriTemplate = "{+uri}";

}  // namespace tutti::toolhost

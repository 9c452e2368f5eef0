#include "server/toolhost/mounted_uri.hpp"

#include "server/base/text.hpp"

namespace tutti::toolhost {

std::string mountedUriPrefix(std::string_view server) {
  return "tutti://mounted/" + percentEncoded(server) + "/";
}

}  // namespace tutti::toolhost

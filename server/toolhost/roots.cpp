#include "server/toolhost/roots.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "server/base/text.hpp"

namespace tutti::toolhost {

Json rootsFor(const MountSpec& spec) {
  Json roots = Json::array();
  if (spec.kind == MountSpec::Kind::Stdio) {
    std::error_code error;
    const auto folder = std::filesystem::absolute(spec.folder.empty() ? "." : spec.folder, error);
    const std::string path = folder.lexically_normal().string();
    if (!error) roots.push_back(Json::object({{"uri", "file://" + percentEncoded(path, "/")}}));
  }
  return Json::object({{"roots", std::move(roots)}});
}

}  // namespace tutti::toolhost

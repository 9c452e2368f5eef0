#include "server/cli/mounts.hpp"

#include <cstdlib>

namespace tutti::cli {
namespace {

std::optional<std::string> lookUp(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

}  // namespace

Result<std::unique_ptr<toolhost::ToolHost>> openMounts(boost::asio::io_context& io,
                                                       const Settings& settings,
                                                       toolhost::ToolSink& sink) {
  auto specs = toolhost::readMountConfig(settings.mcp_config, lookUp);
  if (!specs.ok()) return std::move(specs).error();
  toolhost::MountOptions options;
  options.program = ownProgram().string();
  options.client_version = TUTTI_VERSION;
  auto folder = dataFolder(settings.data);
  if (!folder.ok()) return std::move(folder).error();
  options.share_folder = *folder / "mounts";
  return std::make_unique<toolhost::ToolHost>(io, std::move(*specs), std::move(options), sink);
}

}  // namespace tutti::cli

#include "server/toolhost/share.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "server/base/digest.hpp"
#include "server/base/file.hpp"
#include "server/json/json.hpp"
#include "server/toolhost/shared_copy.hpp"

namespace tutti::toolhost {
namespace {

constexpr std::size_t kKeyLength = 32;
constexpr std::size_t kReportBytesMax = 1U << 20;

Result<Fd> connectTo(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!socket || path.size() >= sizeof address.sun_path)
    return ioError(socket ? ENAMETOOLONG : errno, "connect to", path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    return socket;
  return Error(Code::Unavailable,
               "the process of tutti that runs it cannot be reached: " + errnoText(errno))
      .named("copy_not_listening");
}

}  // namespace

std::string shareKey(const MountSpec& spec) {
  const ProcessLimits& process = spec.limits.process;
  const Json identity =
      Json::array({spec.name, spec.command, spec.arguments, spec.folder, spec.environment,
                   spec.timeout_s, process.memory_mb, process.open_files, process.cpu_s,
                   process.file_mb, spec.limits.in_flight_max, spec.limits.message_bytes_max,
                   spec.limits.tools_max, spec.limits.prompts_max, spec.limits.resources_max});
  return base64Url(sha256(json::dump(identity))).substr(0, kKeyLength);
}

Result<std::unique_ptr<Share>> Share::create(boost::asio::io_context& io, MountSpec spec,
                                             MountOptions options) {
  if (Status made = makeFolder(options.share_folder); !made.ok()) return std::move(made).error();
  Fd folder(::open(options.share_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return ioError(errno, "open", options.share_folder);
  return std::unique_ptr<Share>(
      new Share(io, std::move(spec), std::move(options), std::move(folder)));
}

Share::Share(boost::asio::io_context& io, MountSpec spec, MountOptions options, Fd folder)
    : io_(io),
      spec_(std::move(spec)),
      options_(std::move(options)),
      key_(shareKey(spec_)),
      folder_(std::move(folder)) {}

Share::~Share() = default;

std::filesystem::path Share::file(const char* suffix) const {
  return options_.share_folder / (key_ + suffix);
}

Result<Fd> Share::connect() {
  if (!copy_) {
    auto lock = tryLockFile(file(".lock"));
    if (!lock.ok()) return std::move(lock).error();
    if (*lock)
      if (Status owned = own(std::move(*lock)); !owned.ok()) return std::move(owned).error();
  }
  return connectTo("/proc/self/fd/" + std::to_string(folder_.get()) + "/" + key_ + ".sock");
}

Status Share::own(Fd lock) {
  SharedCopy::Place place;
  place.lock = std::move(lock);
  place.socket = "/proc/self/fd/" + std::to_string(folder_.get()) + "/" + key_ + ".sock";
  place.report = file(".json");
  auto started = SharedCopy::start(io_, spec_, options_, std::move(place));
  if (!started.ok()) return std::move(started).error();
  copy_ = std::move(*started);
  return ok();
}

void Share::describe(MountHealth& health) const {
  if (copy_) return takeReport(reportOf(copy_->health()), health);
  const auto report = readFile(file(".json"), kReportBytesMax);
  if (report.ok()) takeReport(*report, health);
}

}  // namespace tutti::toolhost

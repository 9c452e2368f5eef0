// The core's timers, on Asio.
#pragma once

#include <memory>

#include "server/mcp/timers.hpp"

namespace boost::asio {
class io_context;
}

namespace tutti::transport {

/// `io` must outlive what it returns and every handle that this gave out.
std::shared_ptr<mcp::Timers> makeTimers(boost::asio::io_context& io);

}  // namespace tutti::transport

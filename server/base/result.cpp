#include "server/base/result.hpp"

namespace tutti {

std::string_view codeName(Code code) {
  switch (code) {
    case Code::InvalidArgument: return "invalid_argument";
    case Code::NotFound: return "not_found";
    case Code::Conflict: return "conflict";
    case Code::ResourceExhausted: return "resource_exhausted";
    case Code::FailedPrecondition: return "failed_precondition";
    case Code::Unavailable: return "unavailable";
    case Code::DeadlineExceeded: return "deadline_exceeded";
    case Code::Cancelled: return "cancelled";
    case Code::Internal: return "internal";
  }
  return "internal";
}

std::string Error::text() const {
  if (hint_.empty()) return message_;
  return message_ + " (" + hint_ + ")";
}

}  // namespace tutti

// The bodies of Asio and Beast, compiled once for the whole program (the two SEPARATE_COMPILATION
// macros leave only declarations everywhere else).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>

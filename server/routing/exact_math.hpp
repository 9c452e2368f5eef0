// exp and log made of additions, multiplications and divisions in a fixed order, so that every
// machine gives the same bits. The C library's differ in the last place between versions.
#pragma once

namespace tutti::routing {

/// e^x; 0 below -700, e^700 above 700. Relative error below 1e-14.
double exactExp(double x);

/// The natural logarithm of a positive, normal number. Error below 1e-14.
double exactLog(double x);

/// To four decimals, as findings and scores are told.
double rounded(double x);

}  // namespace tutti::routing

/* detached.exe COMMAND-LINE: runs it without a console, and ends as it does. */
#include <windows.h>

int wmain(int argc, wchar_t **argv)
{
	STARTUPINFOW startup = {.cb = sizeof startup};
	PROCESS_INFORMATION process;
	DWORD status = 255;

	if (argc == 2 && CreateProcessW(NULL, argv[1], NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &startup, &process)) {
		WaitForSingleObject(process.hProcess, INFINITE);
		GetExitCodeProcess(process.hProcess, &status);
	}
	return status;
}

/* read_only_key.exe KEY: makes a key below HKEY_LOCAL_MACHINE that everybody may read and nobody may write, which is what
   Local Service meets where an administrator has registered an event source, or has not. Wine lets every account write
   everywhere else. */
#include <windows.h>
#include <sddl.h>

int wmain(int argc, wchar_t **argv)
{
	SECURITY_ATTRIBUTES attributes = {.nLength = sizeof attributes};
	HKEY key;

	return argc != 2 ||
	       !ConvertStringSecurityDescriptorToSecurityDescriptorW(L"D:(A;;KR;;;WD)", SDDL_REVISION_1,
								     &attributes.lpSecurityDescriptor, NULL) ||
	       RegCreateKeyExW(HKEY_LOCAL_MACHINE, argv[1], 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL) ||
	       RegSetKeySecurity(key, DACL_SECURITY_INFORMATION, attributes.lpSecurityDescriptor);
}
